import { defineConfig } from 'vitest/config';

// Two kinds of test. `unit` touches no port and no process: it may run in parallel and stays under 30 seconds.
// `scenarios` start the table service, the local host and simulated devices, and tell whole stories.
// `soak` is the long form of test/soak, of which `scenarios` runs a twentieth, and of the property tests, with cases that are drawn
// anew; only `npm run soak` runs it.
export default defineConfig({
  test: {
    // One second, the default, is little for a busy machine; what is waited for comes or does not.
    expect: { poll: { timeout: 20_000 } },
    // Two cores are what continuous integration has; vitest would leave one of them idle.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          globalSetup: ['test/support/run-folder.ts'],
          // Loading the sources anew for each file took longer than the tests. What must have modules of its own, since it
          // replaces some, is a scenario.
          pool: 'threads',
          isolate: false,
          include: ['test/{functions,shared,local,infra}/**/*.test.ts'],
          exclude: ['test/**/*.scenario.test.ts'],
          setupFiles: ['test/support/seed.ts'],
          // Making an RSA key takes seconds on a busy machine, and no test is about how long.
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'scenarios',
          globalSetup: ['test/support/run-folder.ts', 'test/support/shared-azurite.ts'],
          setupFiles: ['test/support/seed.ts'],
          include: ['test/scenarios/**/*.test.ts', 'test/soak/**/*.test.ts', 'test/**/*.scenario.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'soak',
          globalSetup: ['test/support/run-folder.ts', 'test/support/shared-azurite.ts'],
          setupFiles: ['test/support/seed.ts'],
          include: ['test/soak/**/*.test.ts', 'test/**/*.property.test.ts'],
          env: { LANYARD_SOAK: '1', LANYARD_TEST_SEED: 'random', LANYARD_TEST_RUNS: '2000' },
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
