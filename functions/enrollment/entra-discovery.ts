import { ENTRA_DISCOVERY_PATH } from '../../shared/wire/paths.ts';
import { discoveryDoor } from './discovery-door.ts';

/**
 * Discovery for a PC that joins Microsoft Entra or adds a work account: the address that the tenant's MDM application
 * names. There the policy has to be Federated (Learn, "Microsoft Entra integration with MDM").
 */
discoveryDoor('entra-discovery', ENTRA_DISCOVERY_PATH, true);
