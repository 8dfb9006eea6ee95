import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

/**
 * Builds the three apps into dist/ as Azure and Core Tools load them: ES modules with shared chunks, so that an app loads
 * what it uses and nothing else. `@azure/functions-core` is supplied by the host at run time.
 */
await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: ['functions/enroll.app.ts', 'functions/manage.app.ts', 'functions/admin.app.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  external: ['@azure/functions-core'],
  // CommonJS packages inside an ES module ask for `require`; without it Azure shows no functions at all.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'info',
});
