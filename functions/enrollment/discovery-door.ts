import { app, type HttpRequest, type InvocationContext } from '@azure/functions';
import { answerDiscovery } from '../../shared/enrollment/answer-discovery.ts';
import { ACTION_DISCOVER } from '../../shared/wire/discovery.ts';
import { services } from '../services.ts';
import { soapDoor } from '../soap-door.ts';

/**
 * Registers a door for Discover (MS-MDE2 3.1.4.1): the settings decide, and where storage is away the last that were known.
 * @param entra whether it is the address that answers Federated whatever the settings say
 */
export function discoveryDoor(name: string, path: string, entra: boolean): void {
  app.http(name, {
    route: path.slice(1),
    methods: ['GET', 'HEAD', 'POST'],
    authLevel: 'anonymous',
    handler: (request: HttpRequest, context: InvocationContext) =>
      soapDoor(request, context, ACTION_DISCOVER, async (envelope) => {
        const { settings, catalogue } = services();
        const { policy } = await catalogue.readOrLast();
        return answerDiscovery(envelope, { enrollUrl: settings.enrollUrl, policy, entra });
      }),
  });
}
