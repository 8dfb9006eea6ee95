import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile } from 'esbuild';

/** The three function apps; `functions/<name>.app.ts` is the entry of each. */
export const APPS = ['enroll', 'manage', 'admin'] as const;
export type AppName = (typeof APPS)[number];

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const entryOf = (app: AppName) => `functions/${app}.app.ts`;

/** As Azure and Core Tools load an app: ES modules with chunks, so that an app loads what it uses and nothing else. */
const options = {
  absWorkingDir: ROOT,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  sourcemap: true,
  metafile: true,
  // The host supplies the first at run time. `debug` takes the second where it happens to be installed, and does without: here it is
  // there for development alone.
  external: ['@azure/functions-core', 'supports-color'],
  // CommonJS packages inside an ES module ask for `require`; without it Azure shows no functions at all.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
} satisfies BuildOptions;

/**
 * Builds the three apps into one folder, with the chunks that they share: what `func start` runs on a developer's machine.
 * @param outdir where the entries and chunks go
 */
export async function buildApps(outdir: string): Promise<void> {
  await build({ ...options, entryPoints: APPS.map(entryOf), outdir });
}

/**
 * Builds one app alone, as it goes into its package: smaller to read, with its source maps in files of their own.
 * Names are kept, so that the stack of an error still says something without the maps.
 * @param outdir where the entry and its chunks go
 * @param changes other options of esbuild, for tests
 * @returns what esbuild says went into which file
 */
export async function buildApp(app: AppName, outdir: string, changes: BuildOptions = {}): Promise<Metafile> {
  const { metafile } = await build({
    ...options,
    entryPoints: [entryOf(app)],
    outdir,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    ...changes,
    metafile: true,
  });
  return metafile;
}
