import { app, type HttpHandler, type InvocationContext, type Timer } from '@azure/functions';

// An app that shows what a host hands to functions and does with their replies. Each function is one behaviour.

/** What the functions of this app have seen, newest last. */
export const seen: { timers: { timer: Timer; context: InvocationContext }[]; hooks: string[]; fired: string[] } = {
  timers: [],
  hooks: [],
  fired: [],
};

const echo: HttpHandler = async (request) => {
  const body = Buffer.from(await request.arrayBuffer());
  return {
    jsonBody: {
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      query: Object.fromEntries(request.query),
      params: request.params,
      body: body.toString('latin1'),
    },
  };
};

const methods = ['GET', 'POST'] as const;
app.http('echo', { route: 'echo', methods: [...methods], authLevel: 'anonymous', handler: echo });
app.http('named', { authLevel: 'anonymous', handler: echo });
app.http('optionalNumber', { route: 'number/{n:int?}', authLevel: 'anonymous', handler: echo });
app.http('files', { route: 'files/{*path}', authLevel: 'anonymous', handler: echo });
app.http('item', { route: 'items/{id}', authLevel: 'anonymous', handler: echo });
app.http('fixedItem', { route: 'items/first', authLevel: 'anonymous', handler: () => ({ body: 'the fixed one' }) });
app.http('Discovery', { route: 'EnrollmentServer/Discovery.svc', authLevel: 'anonymous', handler: echo });
app.http('keyed', { route: 'keyed', authLevel: 'function', handler: () => ({ body: 'open' }) });
app.http('master', { route: 'master-only', authLevel: 'admin', handler: () => ({ body: 'open' }) });

app.http('sized', {
  route: 'sized',
  methods: ['GET', 'HEAD'],
  authLevel: 'anonymous',
  handler: () => ({ body: Buffer.from('sized'), headers: { 'content-length': '5' } }),
});
app.http('unsized', {
  route: 'unsized',
  methods: ['GET', 'HEAD'],
  authLevel: 'anonymous',
  handler: () => ({ body: Buffer.from('unsized') }),
});
app.http('empty', { route: 'empty', authLevel: 'anonymous', handler: () => ({ status: 200 }) });
app.http('text', { route: 'text', authLevel: 'anonymous', handler: () => ({ body: 'text' }) });
app.http('nothing', { route: 'nothing', authLevel: 'anonymous', handler: () => undefined as never });
app.http('throwing', {
  route: 'throwing',
  authLevel: 'anonymous',
  handler: () => {
    throw new Error('a secret detail');
  },
});
app.http('tooLong', {
  route: 'too-long',
  authLevel: 'anonymous',
  handler: () => ({ body: 'longer', headers: { 'content-length': '3' } }),
});
app.http('tooShort', {
  route: 'too-short',
  authLevel: 'anonymous',
  handler: () => ({ body: 'short', headers: { 'content-length': '50' } }),
});
app.http('cookieHeaders', {
  route: 'cookie-headers',
  authLevel: 'anonymous',
  handler: () => ({
    headers: new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]),
  }),
});
app.http('cookies', {
  route: 'cookies',
  authLevel: 'anonymous',
  handler: () => ({
    cookies: [
      { name: 'a', value: 'x y', httpOnly: true, secure: true, sameSite: 'Strict', maxAge: 60 },
      { name: 'b', value: '2', path: '/sub', domain: 'example.com', expires: new Date('2026-11-21T10:00:00Z') },
    ],
  }),
});
app.http('logging', {
  route: 'logging',
  authLevel: 'anonymous',
  handler: (_request, context) => {
    context.log('the plate is LV-1234');
    context.debug('not shown');
    return { body: 'logged' };
  },
});
app.http('fired', {
  route: 'fired',
  methods: ['POST'],
  authLevel: 'admin',
  handler: async (request) => {
    seen.fired.push(`${request.method} ${await request.text()}`);
    return { status: 200 };
  },
});

/** The calls of `slow` that wait; each is ended by calling it. */
export const slowCalls: (() => void)[] = [];
app.http('slow', {
  route: 'slow',
  authLevel: 'anonymous',
  handler: () =>
    new Promise((resolve) => {
      slowCalls.push(() => resolve({ body: 'late', headers: { 'content-length': '4' } }));
    }),
});

app.timer('nightly', {
  schedule: '0 0 3 * * *',
  handler: (timer, context) => {
    seen.timers.push({ timer, context });
  },
});
app.timer('frequent', {
  schedule: '*/10 * * * * *',
  handler: (timer, context) => {
    seen.timers.push({ timer, context });
  },
});
app.timer('failingTimer', {
  schedule: '0 0 4 * * *',
  handler: () => {
    throw new Error('the timer broke');
  },
});

app.hook.appStart(() => {
  seen.hooks.push('appStart');
});
app.hook.appTerminate(() => {
  seen.hooks.push('appTerminate');
});
app.http('hooked', {
  route: 'hooked/{how}',
  authLevel: 'anonymous',
  handler: (request) => {
    if (request.params['how'] === 'throw') throw new Error('hooked failure');
    return { body: 'from the handler', headers: { 'content-length': '16' } };
  },
});
app.hook.preInvocation((context) => {
  if (context.invocationContext.functionName !== 'hooked') return;
  (context.hookData as Record<string, unknown>)['started'] = 'yes';
  const request = context.inputs[0] as { params: Record<string, string> };
  if (request.params['how'] === 'replace') {
    context.functionHandler = () => ({ body: 'from the hook', headers: { 'content-length': '13' } });
  }
});
app.hook.postInvocation((context) => {
  if (context.invocationContext.functionName !== 'hooked') return;
  const started = (context.hookData as Record<string, unknown>)['started'];
  context.invocationContext.log('logged after the handler');
  seen.hooks.push(`postInvocation started=${String(started)} error=${context.error ? 'yes' : 'no'}`);
  if (context.error) {
    context.error = null;
    context.result = { status: 418 };
  }
});
app.hook.log((context) => {
  context.message = context.message.replace(/LV-\d+/, '***');
});
