import * as z from 'zod';
import { xml } from '../../wire/xml.ts';
import { template } from './template.ts';

const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$/;

/** VPNv2 CSP, ProfileXML (Microsoft Learn), inside an Atomic as that CSP asks for. */
export const vpn = template({
  name: 'vpn',
  title: 'VPN',
  summary: 'Makes a VPN connection of Windows itself: IKEv2 with the certificate of the PC.',
  notes: [
    'The PC needs a certificate that the VPN server trusts; this profile does not bring one.',
    'Other kinds of sign-in: write the ProfileXML yourself, as a setting of VPNv2/NAME/ProfileXML.',
  ],
  secrets: [],
  atomic: true,
  input: z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9 -]{0,49}$/, 'must be letters, digits, blanks and dashes, at most 50'),
    server: z.string().regex(HOST, 'must be the name or address of a server, without https://'),
    alwaysOn: z.boolean().default(false),
    /** Only what is meant for these networks goes through the tunnel; none: everything does. */
    routes: z
      .array(z.strictObject({ address: z.union([z.ipv4(), z.ipv6()]), prefix: z.int().min(0).max(128) }))
      .max(50)
      .default([]),
    dnsSuffix: z.string().regex(HOST).optional(),
  }),
  settings: (input) => [
    {
      target: `./Device/Vendor/MSFT/VPNv2/${encodeURIComponent(input.name)}/ProfileXML`,
      value: profileOf(input),
      format: 'chr',
      secret: true,
    },
  ],
});

interface VpnInput {
  server: string;
  alwaysOn: boolean;
  routes: { address: string; prefix: number }[];
  dnsSuffix?: string | undefined;
}

/** A connection of all users. The order of the elements is that of Microsoft's examples, from which the schema beside them differs. */
function profileOf({ server, alwaysOn, routes, dnsSuffix }: VpnInput): string {
  const policyType = routes.length > 0 ? 'SplitTunnel' : 'ForceTunnel';
  const suffix = dnsSuffix === undefined ? '' : xml`<DnsSuffix>${dnsSuffix}</DnsSuffix>`;
  const networks = routes.map(
    ({ address, prefix }) => xml`<Route><Address>${address}</Address><PrefixSize>${prefix}</PrefixSize></Route>`,
  );
  return String(
    xml`<VPNProfile><NativeProfile><Servers>${server}</Servers><NativeProtocolType>IKEv2</NativeProtocolType><Authentication><MachineMethod>Certificate</MachineMethod></Authentication><RoutingPolicyType>${policyType}</RoutingPolicyType></NativeProfile>${networks}<AlwaysOn>${String(alwaysOn)}</AlwaysOn>${suffix}</VPNProfile>`,
  );
}
