import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Builds the three apps as Azure and Core Tools load them: ES modules with shared chunks, so that an app loads what it
 * uses and nothing else. `@azure/functions-core` is supplied by the host at run time.
 * @param outdir where the entries and chunks go
 */
export async function buildApps(outdir: string): Promise<void> {
  await build({
    entryPoints: ['functions/enroll.app.ts', 'functions/manage.app.ts', 'functions/admin.app.ts'],
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    sourcemap: true,
    external: ['@azure/functions-core'],
    // CommonJS packages inside an ES module ask for `require`; without it Azure shows no functions at all.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}
