import { nodePath, relation } from '../wire/node-path.ts';

/** How a setting is taken back: by Delete, or by its default where Windows does not take Delete, or not at all. */
export type Removal =
  /** The node that is deleted: of some settings the one above. */
  | { kind: 'delete'; target: string }
  | { kind: 'default'; value: string; format: 'chr' | 'int' | 'bool' }
  | { kind: 'never' };

const FIREWALL_PROFILES = ['DomainProfile', 'PrivateProfile', 'PublicProfile'];

/**
 * Nodes that take Get and Replace alone, with the value that holds where nobody sets one. From the Firewall CSP (Microsoft
 * Learn) and what Microsoft Graph's settings catalog says of the verbs of its nodes.
 */
export const DEFAULTS: readonly { node: string; value: string; format: 'chr' | 'int' | 'bool' }[] =
  FIREWALL_PROFILES.flatMap((profile) => [
    { node: `Firewall/MdmStore/${profile}/EnableFirewall`, value: 'true', format: 'bool' as const },
    { node: `Firewall/MdmStore/${profile}/DefaultInboundAction`, value: '1', format: 'int' as const },
    { node: `Firewall/MdmStore/${profile}/DefaultOutboundAction`, value: '0', format: 'int' as const },
    { node: `Firewall/MdmStore/${profile}/AllowLocalPolicyMerge`, value: 'true', format: 'bool' as const },
  ]);

/** Accounts CSP: what is made there can neither be changed nor taken back. */
export const NEVER: readonly string[] = ['Accounts/Users/*'];

/** Nodes that go with the one above them alone: a certificate's by its thumbprint, a connection by its name. */
const PARTS: readonly string[] = ['RootCATrustedCertificates/*/*/EncodedCertificate', 'VPNv2/*/ProfileXML'];

/** @returns how the setting of a node is taken back */
export function removalOf(target: string): Removal {
  const path = nodePath(target);
  const known = DEFAULTS.find(({ node }) => relation(path, node) === 'at');
  if (known) return { kind: 'default', value: known.value, format: known.format };
  const stays = NEVER.some((node) => ['at', 'below'].includes(relation(path, node) ?? ''));
  if (stays) return { kind: 'never' };
  const isPart = PARTS.some((node) => relation(path, node) === 'at');
  return { kind: 'delete', target: isPart ? target.slice(0, target.lastIndexOf('/')) : target };
}
