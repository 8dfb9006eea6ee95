// The one-way arrows of docs/architecture.md: functions -> subject folders -> certificates, storage, wire -> platform.
const rule = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^@azure/functions-core$' },
    },
    rule(
      'shared-knows-no-door',
      'what lies behind the doors does not know the doors',
      '^shared',
      '^(functions|local|test)',
    ),
    rule('doors-know-no-local', 'what runs in Azure does not know the local host', '^functions', '^(local|test)'),
    rule('platform-is-the-floor', 'platform knows nothing of MDM', '^shared/platform', '^shared/(?!platform)'),
    rule('wire-is-pure', 'wire knows only platform', '^shared/wire', '^shared/(?!wire|platform)'),
    rule(
      'wire-does-no-io',
      'bytes to values and back, nothing else',
      '^shared/wire',
      '^(node:)?(fs|net|http|https|child_process|timers)',
    ),
    rule('storage-knows-no-mdm', 'storage knows only platform', '^shared/storage', '^shared/(?!storage|platform)'),
    rule(
      'certificates-know-no-subject',
      'certificates know wire, storage and platform at most',
      '^shared/certificates',
      '^shared/(?!certificates|storage|wire|platform)',
    ),
    rule(
      'device-reads-for-itself',
      'the simulated device shares no code with the server',
      '^local/device',
      '^(shared|functions)',
    ),
    rule(
      'host-is-generic',
      'the local host serves any Functions app',
      '^local/host',
      '^(shared|functions|local/device)',
    ),
    rule(
      'deployment-knows-no-entra',
      'the command for Entra builds on what deploys, not the other way round',
      '^local/(azure|packages)',
      '^local/entra-setup',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
