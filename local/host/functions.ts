import type { AppRegistrations, Binding, FunctionCallback, FunctionMetadata } from './core-types.ts';

/** A registered function with the app that it belongs to. */
export interface HostedFunction {
  appName: string;
  app: AppRegistrations;
  metadata: FunctionMetadata;
  callback: FunctionCallback;
  /** The name of the trigger among the bindings. */
  triggerName: string;
  trigger: Binding;
}

/** What people are shown of a function. */
export interface FunctionSummary {
  app: string;
  name: string;
  route?: string;
  methods?: string[];
  authLevel?: string;
  schedule?: string;
}

/** The functions of one app. Throws when one has no trigger. */
export function hostedFunctions(appName: string, app: AppRegistrations): HostedFunction[] {
  return app.functions.map(({ metadata, callback }) => {
    const found = Object.entries(metadata.bindings).find(([, binding]) => /trigger$/i.test(binding.type));
    if (!found) throw new Error(`The function "${metadata.name}" of the app "${appName}" has no trigger.`);
    const [triggerName, trigger] = found;
    return { appName, app, metadata, callback, triggerName, trigger };
  });
}

export function isHttp(hosted: HostedFunction): boolean {
  return hosted.trigger.type.toLowerCase() === 'httptrigger';
}

export function isTimer(hosted: HostedFunction): boolean {
  return hosted.trigger.type.toLowerCase() === 'timertrigger';
}

/** What of a function this host does not do: other triggers, output bindings, retries. Undefined when all is done. */
export function notHosted(hosted: HostedFunction): string | undefined {
  if (!isHttp(hosted) && !isTimer(hosted)) return `the trigger ${hosted.trigger.type} never fires here`;
  const outputs = Object.values(hosted.metadata.bindings).filter((b) => b.direction === 'out' && b.type !== 'http');
  if (outputs.length > 0) return `what is written to the output ${outputs[0]?.type} is dropped here`;
  if (hosted.metadata.retryOptions) return 'its retry policy is not applied here';
  return undefined;
}
