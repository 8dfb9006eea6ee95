import { app, type HttpRequest, type InvocationContext } from '@azure/functions';
import { answerDiscovery } from '../../shared/enrollment/answer-discovery.ts';
import { ACTION_DISCOVER } from '../../shared/wire/discovery.ts';
import { DISCOVERY_PATH } from '../../shared/wire/paths.ts';
import { services } from '../services.ts';
import { soapDoor } from '../soap-door.ts';

/**
 * Discovery (MS-MDE2 3.1). Windows first probes with GET, to find out whether the server is there; an empty 200 is enough.
 * An empty POST, which some builds send, is answered as calmly.
 */
app.http('discovery', {
  route: DISCOVERY_PATH.slice(1),
  methods: ['GET', 'HEAD', 'POST'],
  authLevel: 'anonymous',
  handler: (request: HttpRequest, context: InvocationContext) =>
    soapDoor(request, context, ACTION_DISCOVER, async (envelope) => {
      const { settings, catalogue } = services();
      const { policy } = await catalogue.readOrLast();
      return answerDiscovery(envelope, { enrollUrl: settings.enrollUrl, policy });
    }),
});
