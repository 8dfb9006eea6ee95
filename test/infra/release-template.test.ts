import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { APPS } from '../../local/packages/build-apps.ts';
import {
  portalLink,
  prepareRelease,
  releaseAddresses,
  releaseNotes,
  templateTag,
  withPackages,
} from '../../local/packages/release-template.ts';
import { defaultOf, parametersOf, readText, template } from './bicep.ts';

const main = template('infra/main.bicep');
const page = readText('docs/deployment.md');

/** What the compiler makes of the parameters of main.bicep, as far as a release looks at it. */
const compiled = {
  $schema: 'https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  parameters: Object.fromEntries(
    parametersOf(main).map(({ name, required }) => [
      name,
      { type: 'string', ...(!required && { defaultValue: defaultOf(main, name)?.replaceAll("'", '') }) },
    ]),
  ),
  resources: {},
};
const text = JSON.stringify(compiled);
const addresses = releaseAddresses('contoso/lanyard', 'v1.2.3');

describe('the template of a release', () => {
  test('has the packages of the same release as default, and is the compiled one else', () => {
    const made = JSON.parse(withPackages(text, addresses.packages));
    expect(made.parameters.packagesUrl.defaultValue).toBe(
      'https://github.com/contoso/lanyard/releases/download/v1.2.3',
    );
    made.parameters.packagesUrl.defaultValue = '';
    expect(made).toEqual(compiled);
  });

  test('names an address that main.bicep takes: https, without a slash at its end', () => {
    expect(addresses.packages).toMatch(/^https:\/\/.*[^/]$/);
  });

  test('is the same when it is made again', () => {
    const once = withPackages(text, addresses.packages);
    expect(withPackages(once, addresses.packages)).toBe(once);
  });

  test.each([
    ['has no such parameter', { ...compiled, parameters: {} }, 'packagesUrl'],
    ['wants it to be given', { ...compiled, parameters: { packagesUrl: { type: 'string' } } }, 'packagesUrl'],
    ['is for a resource group', { ...compiled, $schema: 'https://x/deploymentTemplate.json#' }, 'subscription'],
  ])('is not made of one that %s', (_, other, said) => {
    expect(() => withPackages(JSON.stringify(other), addresses.packages)).toThrow(said);
  });
});

describe('the link', () => {
  test('opens the template in the portal, from an address that the portal may read', () => {
    expect(addresses.template).toBe(
      'https://raw.githubusercontent.com/contoso/lanyard/refs/tags/template-v1.2.3/main.json',
    );
    expect(portalLink(addresses.template)).toBe(
      'https://portal.azure.com/#create/Microsoft.Template/uri/https%3A%2F%2Fraw.githubusercontent.com%2Fcontoso%2Flanyard%2Frefs%2Ftags%2Ftemplate-v1.2.3%2Fmain.json',
    );
  });

  test('keeps everything of an address that means something in a link', () => {
    const address = 'https://x.example/a b/?c=d&e#f%20';
    const [, encoded = ''] = portalLink(address).split('/uri/');
    expect(encoded).not.toMatch(/[/?&#:= ]/);
    expect(decodeURIComponent(encoded)).toBe(address);
  });

  test.each([
    ['no-owner', 'v1.2.3'],
    ['a/b/c', 'v1.2.3'],
    ['a/b?c', 'v1.2.3'],
    ['', 'v1.2.3'],
    ['a/b', 'main'],
    ['a/b', 'v1.2.3/../x'],
    ['a/b', ''],
  ])('is not made for %j and %j', (repository, tag) => {
    expect(() => releaseAddresses(repository, tag)).toThrow();
  });

  test('stands in the notes, behind the button, with the page that says what to do', () => {
    const notes = releaseNotes('contoso/lanyard', 'v1.2.3');
    expect(notes).toMatch(/^\[!\[Deploy to Azure\]\(https:\/\/[^)]+\)\]\(/);
    expect(notes).toContain(`](${portalLink(addresses.template)})`);
    const [, file, heading] = /blob\/v1\.2\.3\/([^#]+)#([\w-]+)\)/.exec(notes) ?? [];
    expect(file).toBe('docs/deployment.md');
    expect(page).toMatch(new RegExp(`^### ${heading?.replaceAll('-', ' ')}$`, 'im'));
  });
});

test('a release is prepared in its folder: the template rewritten, the notes beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanyard-release-'));
  writeFileSync(join(folder, 'main.json'), text);
  await prepareRelease(folder, 'contoso/lanyard', 'v1.2.3');
  expect(JSON.parse(readFileSync(join(folder, 'main.json'), 'utf8')).parameters.packagesUrl.defaultValue).toBe(
    addresses.packages,
  );
  expect(readFileSync(join(folder, 'notes.md'), 'utf8')).toBe(releaseNotes('contoso/lanyard', 'v1.2.3'));
  rmSync(folder, { recursive: true });
});

describe('the workflow of a release', () => {
  const workflow = readText('.github/workflows/release.yml');
  const at = (part: string) => {
    expect(workflow).toContain(part);
    return workflow.indexOf(part);
  };

  test('compiles, writes the address, sums up, publishes the template, and then makes the release', () => {
    const order = [
      'az bicep build',
      'npx tsx local/packages/release.ts',
      'sha256sum *.zip *.json > SHA256SUMS.txt',
      'git push',
      'gh release create',
    ].map(at);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test('publishes the template under the tag that the link names, which starts no release of its own', () => {
    const tag = templateTag('$GITHUB_REF_NAME');
    at(`:refs/tags/${tag}"`);
    at('git hash-object -w out/main.json');
    const pattern = /tags: \['(v\*)'\]/.exec(workflow)?.[1]?.replace('*', '');
    expect(pattern).toBe('v');
    expect(tag.startsWith('v')).toBe(false);
  });

  test('uploads the packages under the names that the template asks for', () => {
    at('--notes-file out/notes.md');
    at(' out/*.zip out/*.json out/SHA256SUMS.txt');
    expect(readText('local/packages/package-apps.ts')).toMatch(/zip: join\(out, `\$\{app\}\.zip`\)/);
    expect(main.text).toMatch(/packageUrl: '\$\{packages\}\/\$\{app\}\.zip'/);
    expect(
      [...(/^var apps = \[\n([^\]]*)\]/m.exec(main.text)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(([, app]) => app),
    ).toEqual(APPS);
  });
});
