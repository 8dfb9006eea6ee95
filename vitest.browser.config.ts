import { defineConfig } from 'vitest/config';

// Pages in a real browser: `npm run test:browser`. Apart from the others, which need nothing but Node.
export default defineConfig({
  test: {
    name: 'browser',
    globalSetup: ['test/support/run-folder.ts', 'test/support/shared-azurite.ts'],
    include: ['test/browser/**/*.test.ts'],
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
