import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import { HELP_PATH } from '../../shared/enrollment/help/help-address.ts';
import { helpPage } from '../../shared/enrollment/help/help-page.ts';
import { reply } from '../../shared/platform/http.ts';
import { services } from '../services.ts';
import { orUnavailable } from './sign-in.ts';

/** `GET /help`: what to do when a PC cannot be connected. It is there when storage is not: then people need it most. */
app.http('help', {
  route: HELP_PATH.slice(1),
  methods: ['GET', 'HEAD'],
  authLevel: 'anonymous',
  handler: (_request: HttpRequest, context: InvocationContext) => orUnavailable(context, help),
});

async function help(): Promise<HttpResponseInit> {
  const { catalogue, settings } = services();
  const { policy } = await catalogue.readOrLast();
  const { body, headers } = helpPage(policy, settings.enrollUrl);
  return reply(200, body, undefined, headers);
}
