import { prepareRelease } from './release-template.ts';

/** For the workflow that makes a release, after the templates were compiled to out/. */
await prepareRelease('out', process.env['GITHUB_REPOSITORY'] ?? '', process.env['GITHUB_REF_NAME'] ?? '');
