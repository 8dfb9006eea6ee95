import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions';
import { JOIN_PATH } from '../../shared/enrollment/invitations/join-link.ts';
import { joinPage } from '../../shared/enrollment/invitations/join-page.ts';
import { reply } from '../../shared/platform/http.ts';
import { errorFacts, logTo } from '../../shared/platform/log.ts';
import { services } from '../services.ts';

/** `GET /join`: the page of an invitation, the same for everybody. What makes it one's own stays in the browser. */
app.http('join', {
  route: JOIN_PATH.slice(1),
  methods: ['GET', 'HEAD'],
  authLevel: 'anonymous',
  async handler(_request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> {
    try {
      const { catalogue, settings } = services();
      const { policy } = await catalogue.read();
      const { body, headers } = joinPage(policy, settings.enrollUrl);
      return reply(200, body, undefined, headers);
    } catch (error) {
      logTo(context).error('The page of an invitation could not be shown', errorFacts(error));
      return reply(503, 'The server cannot show this page now. Try again in a minute.');
    }
  },
});
