import { randomBytes, randomUUID } from 'node:crypto';
import type { CoreInvocationContext, FunctionCallback, RpcHttpResponse } from './core-types.ts';
import type { HostedFunction } from './functions.ts';
import { runHooks } from './hooks.ts';
import type { HostLog } from './log.ts';

/** What a trigger hands to a function: an HTTP request (`http`) or JSON text. */
export type TriggerData = { http: unknown } | { json: string } | { string: string };

interface PostInvocation extends Record<string, unknown> {
  result: unknown;
  error: unknown;
}

/**
 * Calls one function through the library, in the order of the Node worker: arguments, preInvocation hooks (they may
 * replace inputs and handler), the handler, postInvocation hooks (they may replace result and error), the reply.
 *
 * Returns the HTTP reply, or undefined when the function returned nothing or is not an HTTP function.
 * Throws what the function or a hook threw.
 */
export async function invoke(
  hosted: HostedFunction,
  data: TriggerData,
  log: HostLog,
): Promise<RpcHttpResponse | undefined> {
  const { app, metadata } = hosted;
  const hookData: Record<string, unknown> = {};
  const shown: { invocationContext?: unknown } = {};
  const core: CoreInvocationContext = {
    invocationId: randomUUID(),
    request: undefined,
    metadata,
    log: (level, category, message) =>
      log.ofFunction(app, metadata.name, { level, category, message, hookData, ...shown }),
  };
  core.request = invocationRequest(core.invocationId, hosted, data);
  if (!app.model) throw new Error('The app did not load @azure/functions.');
  const model = app.model.getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  shown.invocationContext = context;
  const shared = { hookData, appHookData: app.appHookData, invocationContext: context };

  const pre = { ...shared, inputs, functionCallback: hosted.callback };
  await during(core, 'preInvocationHooks', () => runHooks(app, 'preInvocation', pre));

  const post: PostInvocation = { ...shared, inputs: pre.inputs, result: null, error: null };
  await during(core, 'invocation', async () => {
    try {
      post.result = await model.invokeFunction(context, pre.inputs, pre.functionCallback as FunctionCallback);
    } catch (error) {
      post.error = error ?? new Error('The function threw nothing.');
    }
  });
  await during(core, 'postInvocationHooks', () => runHooks(app, 'postInvocation', post));
  if (post.error !== null && post.error !== undefined) throw post.error;
  return (await model.getResponse(context, post.result)).returnValue?.http;
}

/** The library asks for the state: a log call in a postInvocation hook is not a late one. */
async function during(core: CoreInvocationContext, state: string, act: () => Promise<void>): Promise<void> {
  core.state = state;
  try {
    await act();
  } finally {
    core.state = undefined;
  }
}

function invocationRequest(invocationId: string, hosted: HostedFunction, data: TriggerData): unknown {
  return {
    invocationId,
    functionId: hosted.metadata.name,
    inputData: [{ name: hosted.triggerName, data }],
    triggerMetadata: {},
    traceContext: { traceParent: traceParent(), traceState: '', attributes: {} },
  };
}

/** W3C Trace Context, version 00, not sampled. */
function traceParent(): string {
  const random = randomBytes(24).toString('hex');
  return `00-${random.slice(0, 32)}-${random.slice(32)}-00`;
}
