import { DISCOVERY_PATH } from '../../shared/wire/paths.ts';
import { discoveryDoor } from './discovery-door.ts';

/**
 * Discovery (MS-MDE2 3.1). Windows first probes with GET, to find out whether the server is there; an empty 200 is enough.
 * An empty POST, which some builds send, is answered as calmly.
 */
discoveryDoor('discovery', DISCOVERY_PATH, false);
