import { nodePath, relation } from '../wire/node-path.ts';

/**
 * The nodes whose data is a secret whoever queues it, from the CSP reference of Microsoft Learn. `*` stands for any one
 * name; everything below a node belongs to it. A caller marks others with `secret: true`. LAPS and BitLocker are not here:
 * they give their passwords to the directory and never to a management server.
 */
export const SECRET_NODES: readonly string[] = [
  // Accounts CSP: the password of a local account
  'Accounts/Users/*/Password',
  // WiFi and WiredNetwork CSP: the profile holds a pre-shared key or EAP credentials
  'WiFi/Profile/*/WlanXml',
  'WiredNetwork/LanXML',
  // VPNv2 CSP: profile, EAP configuration, pre-shared key, what a plug-in is given
  'VPNv2/*/ProfileXML',
  'VPNv2/*/NativeProfile/Authentication',
  'VPNv2/*/NativeProfile/L2tpPsk',
  'VPNv2/*/PluginProfile/CustomConfiguration',
  // ClientCertificateInstall and CertificateStore CSP: private keys, their passwords, SCEP challenges
  'ClientCertificateInstall/PFXCertInstall/*/PFXCertBlob',
  'ClientCertificateInstall/PFXCertInstall/*/PFXCertPassword',
  'ClientCertificateInstall/SCEP/*/Install/Challenge',
  'CertificateStore/My/SCEP/*/Install/Challenge',
  // EMAIL2 and ActiveSync CSP: passwords of mailboxes
  'EMAIL2/*/AUTHSECRET',
  'EMAIL2/*/SMTPALTPASSWORD',
  'ActiveSync/Accounts/*/Password',
  // DiagnosticLog CSP: a SAS with which anybody may write into a container
  'DiagnosticLog/DiagnosticArchive/ArchiveDefinition',
  // WindowsLicensing CSP: product keys
  'WindowsLicensing/UpgradeEditionWithProductKey',
  'WindowsLicensing/ChangeProductKey',
  // WindowsAdvancedThreatProtection CSP: what admits a device to the organisation's tenant
  'WindowsAdvancedThreatProtection/Onboarding',
  // SurfaceHub CSP
  'SurfaceHub/DeviceAccount/Password',
  'SurfaceHub/MOMAgent/WorkspaceKey',
  // CM_CellularEntries CSP: credentials of an access point
  'CM_CellularEntries/*/Password',
  // DMClient CSP: the address by which the device can be woken
  'DMClient/Provider/*/Push/ChannelURI',
  // DMAcc CSP: secrets of the management account itself
  'SyncML/DMAcc/*/AppAuth/*/AAuthSecret',
];

/**
 * @returns whether the data of an item, or the value that a Get of it brings, is a secret by the node it is for. A listing
 *   of a node above (`?list=StructData`) brings the secret ones below it as well.
 */
export function isSecretNode(locUri: string): boolean {
  const path = nodePath(locUri);
  const lists = /\?list=/i.test(locUri);
  return SECRET_NODES.some((node) => {
    const found = relation(path, node);
    return found === 'at' || found === 'below' || (found === 'above' && lists);
  });
}
