import { app, type HttpRequest, type InvocationContext } from '@azure/functions';
import { answerPolicies } from '../../shared/enrollment/answer-policies.ts';
import { POLICY_PATH } from '../../shared/wire/paths.ts';
import { ACTION_GET_POLICIES } from '../../shared/wire/xcep.ts';
import { services } from '../services.ts';
import { soapDoor } from '../soap-door.ts';

/** The certificate enrollment policy (MS-XCEP): the same for everybody, whatever the credential. */
app.http('enrollment-policy', {
  route: POLICY_PATH.slice(1),
  methods: ['GET', 'HEAD', 'POST'],
  authLevel: 'anonymous',
  handler: (request: HttpRequest, context: InvocationContext) =>
    soapDoor(request, context, ACTION_GET_POLICIES, async (envelope) => {
      const { policy } = await services().catalogue.readOrLast();
      return answerPolicies(envelope, policy);
    }),
});
