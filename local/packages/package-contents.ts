import { readFileSync } from 'node:fs';
import type { Metafile } from 'esbuild';
import type { AppName } from './build-apps.ts';

/** Code that must not be in the package of an app, whatever imports it, and why. */
interface Ban {
  path: RegExp;
  why: string;
}

const notInAnyPackage: Ban[] = [
  { path: /^(local|test)\//, why: 'what runs in Azure holds no local host and no tests' },
];

/** The apps that devices reach cannot change the tenant, and cannot call what administrators call. */
const notWhereDevicesReach: Ban[] = [
  { path: /^shared\/directory\//, why: 'Microsoft Graph is for the admin app alone' },
  { path: /^node_modules\/@microsoft\/microsoft-graph/, why: 'Microsoft Graph is for the admin app alone' },
  { path: /^shared\/decommission\//, why: 'decommissions are for the admin app alone' },
  { path: /^functions\/(admin|timers)\//, why: 'the admin API and the timers are for the admin app alone' },
];

const BANS: Record<AppName, Ban[]> = {
  enroll: [
    ...notInAnyPackage,
    ...notWhereDevicesReach,
    { path: /^functions\/management\//, why: 'management has an app of its own, which asks for client certificates' },
    { path: /^node_modules\/@azure\/keyvault-certificates/, why: 'the enroll app signs; the admin app makes the CA' },
  ],
  manage: [
    ...notInAnyPackage,
    ...notWhereDevicesReach,
    { path: /^functions\/(enrollment|certificate-authority)/, why: 'enrollment has an app of its own' },
    { path: /^node_modules\/@azure\/keyvault-/, why: 'the manage app has no right to the vault' },
    {
      path: /^shared\/certificates\/(?!client-certificate|enrollment-subject|thumbprint|validity)/,
      why: 'the manage app checks client certificates and signs nothing',
    },
    {
      path: /^node_modules\/(@peculiar\/|asn1js|pkijs|pvtsutils|pvutils|node-forge|reflect-metadata)/,
      why: 'the manage app reads certificates with node:crypto; an X.509 library costs every cold start',
    },
  ],
  admin: [
    ...notInAnyPackage,
    { path: /^functions\/(enrollment|management)\//, why: 'what devices call is in the other two apps' },
  ],
};

/** The files and packages from which something went into the outputs of a build; what was left out as unused is not there. */
export function inputsOf(metafile: Metafile): string[] {
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  return [...new Set(used.map(([path]) => path))].sort();
}

/**
 * The folders of the packages that npm installs for development alone, as package-lock.json has them. One of them gets into a build
 * without anybody's import where a package asks for it only if it happens to be there.
 */
function developmentPackages(): Set<string> {
  const lock = new URL('../../package-lock.json', import.meta.url);
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as { packages: Record<string, { dev?: boolean }> };
  return new Set(Object.keys(packages).filter((folder) => packages[folder]?.dev));
}

/** @returns a sentence for each file that must not be in the package of this app; none when the package is right */
export function foreignCode(app: AppName, metafile: Metafile): string[] {
  const forDevelopment = developmentPackages();
  return inputsOf(metafile).flatMap((input) => {
    const folder = packageOf(input);
    if (folder && forDevelopment.has(folder.slice(folder.indexOf('node_modules/')))) {
      return [`${input} is in the ${app} app: package-lock.json has its package for development alone`];
    }
    // A package may lie in a node_modules folder further down.
    const paths = [input, input.slice(input.lastIndexOf('node_modules/'))];
    const ban = BANS[app].find(({ path }) => paths.some((each) => path.test(each)));
    return ban ? [`${input} is in the ${app} app: ${ban.why}`] : [];
  });
}

/** The folders of the npm packages in a build, from the root of the repository. */
export function packagesOf(metafile: Metafile): string[] {
  const folders = inputsOf(metafile).flatMap((input) => packageOf(input) ?? []);
  return [...new Set(folders)].sort();
}

function packageOf(input: string): string | undefined {
  return /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0];
}
