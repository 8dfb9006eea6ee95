import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a release needs so that its template opens in the Azure portal and brings the packages of the same release along. */

/** Where the files of a release on GitHub are reached. */
export interface ReleaseAddresses {
  /** below it lie enroll.zip, manage.zip and admin.zip; the parameter packagesUrl of main.bicep */
  packages: string;
  /** the compiled main.bicep, for the portal: see `templateTag` */
  template: string;
}

const REPOSITORY = /^[\w.-]+\/[\w.-]+$/;
const TAG = /^v\d+\.\d+\.\d+(?:-[\w.]+)?$/;
/** By this the portal knows that it asks for a subscription and not for a resource group. */
const SUBSCRIPTION = /\/subscriptionDeploymentTemplate\.json#?$/;

/**
 * The tag under which the template lies in the repository itself. The portal reads a template with the browser of the person,
 * and the files of a release do not allow that (CORS); raw.githubusercontent.com does.
 * @see https://github.com/Azure/bicep/discussions/7756
 */
export function templateTag(tag: string): string {
  return `template-${tag}`;
}

/**
 * @param repository owner and name, as in GITHUB_REPOSITORY
 * @param tag of the release, such as `v1.2.3`
 * @throws Error for a repository or a tag that could not stand in an address as it is
 */
export function releaseAddresses(repository: string, tag: string): ReleaseAddresses {
  if (!REPOSITORY.test(repository)) throw new Error(`'${repository}' is not the owner and name of a repository.`);
  if (!TAG.test(tag)) throw new Error(`'${tag}' is not the tag of a release, such as v1.2.3.`);
  return {
    packages: `https://github.com/${repository}/releases/download/${tag}`,
    template: `https://raw.githubusercontent.com/${repository}/refs/tags/${templateTag(tag)}/main.json`,
  };
}

/**
 * The link that opens a template in the portal.
 * @see https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-to-azure-button
 */
export function portalLink(template: string): string {
  return `https://portal.azure.com/#create/Microsoft.Template/uri/${encodeURIComponent(template)}`;
}

/**
 * Makes the address of the packages the default of the template's parameter.
 * @param template the compiled main.bicep
 * @throws Error where it is not a template for a subscription, or does not have the parameter
 */
export function withPackages(template: string, packages: string): string {
  const parsed = JSON.parse(template) as { $schema?: string; parameters?: Record<string, { defaultValue?: unknown }> };
  if (!SUBSCRIPTION.test(parsed.$schema ?? '')) throw new Error('This is not a template for a subscription.');
  const parameter = parsed.parameters?.['packagesUrl'];
  if (typeof parameter?.defaultValue !== 'string') {
    throw new Error('The template has no parameter packagesUrl with a default.');
  }
  parameter.defaultValue = packages;
  return `${JSON.stringify(parsed, null, 2)}\n`;
}

/** The beginning of the notes of a release: the button, and what a person has to know who presses it. Markdown. */
export function releaseNotes(repository: string, tag: string): string {
  const { template } = releaseAddresses(repository, tag);
  const page = `https://github.com/${repository}/blob/${tag}/docs/deployment.md#with-the-link-of-a-release`;
  return `[![Deploy to Azure](https://aka.ms/deploytoazurebutton)](${portalLink(template)})

The button opens the Azure portal with a form and brings this version along; nothing has to be installed. You must be Owner of
the subscription. [What to fill in, and what to do afterwards](${page}).

**To update** a Lanyard that was made in this way, press the button again and give the same name and the same region.
`;
}

/** Rewrites `<folder>/main.json` for the release, and writes `<folder>/notes.md`. */
export async function prepareRelease(folder: string, repository: string, tag: string): Promise<void> {
  const file = join(folder, 'main.json');
  const { packages } = releaseAddresses(repository, tag);
  await writeFile(file, withPackages(await readFile(file, 'utf8'), packages));
  await writeFile(join(folder, 'notes.md'), releaseNotes(repository, tag));
}
