import { nodePath } from '../wire/node-path.ts';

/**
 * What becomes of a PC's parts when it leaves (Microsoft Learn, "Disconnecting from the management infrastructure"), and which
 * node belongs to which. What Learn does not say is in docs/unproven.md.
 */

type ConsequenceId =
  | 'management'
  | 'certificates'
  | 'policies'
  | 'profiles'
  | 'enterpriseApps'
  | 'desktopApps'
  | 'accounts'
  | 'others';

export const CONSEQUENCES: readonly { id: ConsequenceId; what: string; stays: boolean }[] = [
  {
    id: 'management',
    what: 'the enrollment itself: the account, its certificate and keys, the scheduled tasks and the poll schedule',
    stays: false,
  },
  { id: 'certificates', what: 'certificates that were installed by management', stays: false },
  { id: 'policies', what: 'policies and settings: they are not enforced any more', stays: false },
  { id: 'profiles', what: 'Wi-Fi, wired, VPN and mail profiles that management set', stays: false },
  { id: 'enterpriseApps', what: 'the token of enterprise apps, and the apps that came with it', stays: false },
  { id: 'desktopApps', what: 'programs that were installed as MSI', stays: true },
  { id: 'accounts', what: 'local accounts, the name of the PC and the data of its users', stays: true },
  { id: 'others', what: 'what other commands did, such as an encrypted drive: look at each', stays: true },
];

/** First segments behind `Vendor/MSFT`. */
const AREAS: Readonly<Record<string, ConsequenceId>> = {
  dmclient: 'management',
  rootcatrustedcertificates: 'certificates',
  clientcertificateinstall: 'certificates',
  certificatestore: 'certificates',
  policy: 'policies',
  laps: 'policies',
  firewall: 'policies',
  defender: 'policies',
  applocker: 'policies',
  passportforwork: 'policies',
  wifi: 'profiles',
  wirednetwork: 'profiles',
  vpnv2: 'profiles',
  email2: 'profiles',
  activesync: 'profiles',
  enterpriseappmanagement: 'enterpriseApps',
  enterprisemodernappmanagement: 'enterpriseApps',
  enterprisedesktopappmanagement: 'desktopApps',
  accounts: 'accounts',
};

/** @returns to which of the consequences a node belongs */
export function consequenceOf(locUri: string): ConsequenceId {
  return AREAS[nodePath(locUri)[0] ?? ''] ?? 'others';
}
