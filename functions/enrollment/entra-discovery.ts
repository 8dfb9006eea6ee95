import { app, type HttpRequest, type InvocationContext } from '@azure/functions';
import { answerDiscovery } from '../../shared/enrollment/answer-discovery.ts';
import { ACTION_DISCOVER } from '../../shared/wire/discovery.ts';
import { ENTRA_DISCOVERY_PATH } from '../../shared/wire/paths.ts';
import { services } from '../services.ts';
import { soapDoor } from '../soap-door.ts';

/**
 * Discovery for a PC that joins Microsoft Entra or adds a work account: the address that the tenant's MDM application
 * names. There the policy has to be Federated (Learn, "Microsoft Entra integration with MDM").
 */
app.http('entra-discovery', {
  route: ENTRA_DISCOVERY_PATH.slice(1),
  methods: ['GET', 'HEAD', 'POST'],
  authLevel: 'anonymous',
  handler: (request: HttpRequest, context: InvocationContext) =>
    soapDoor(request, context, ACTION_DISCOVER, async (envelope) => {
      const { settings, catalogue } = services();
      const { policy } = await catalogue.readOrLast();
      return answerDiscovery(envelope, { enrollUrl: settings.enrollUrl, policy, entra: true });
    }),
});
