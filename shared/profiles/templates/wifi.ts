import * as z from 'zod';
import { xml } from '../../wire/xml.ts';
import { template } from './template.ts';

const SECURITY = { wpa2: 'WPA2PSK', wpa3: 'WPA3SAE' };

/** WiFi CSP, WlanXml: a WLAN_profile of version 1 (Microsoft Learn, "WLAN_profile Schema elements"). */
export const wifi = template({
  name: 'wifi',
  title: 'Wi-Fi',
  summary: 'Makes a Wi-Fi network with a password known to the PC.',
  notes: [
    'The password is encrypted where it is kept and shown to nobody; on the PC an administrator can read it.',
    'Give `***` for the password to keep the one that is there.',
  ],
  secrets: ['password'],
  atomic: false,
  input: z.strictObject({
    ssid: z
      .string()
      .min(1)
      .refine((name) => Buffer.byteLength(name) <= 32, 'is longer than 32 bytes')
      .refine((name) => !/[/\p{Cc}]/u.test(name), 'has a slash or a control character, of which no node can be made'),
    password: z.string().regex(/^[\x20-\x7e]{8,63}$/, 'must be 8 to 63 characters of ASCII'),
    security: z.enum(['wpa2', 'wpa3']).default('wpa2'),
    connectAutomatically: z.boolean().default(true),
    hidden: z.boolean().default(false),
  }),
  settings: (input) => [
    {
      target: `./Device/Vendor/MSFT/WiFi/Profile/${encodeURIComponent(input.ssid)}/WlanXml`,
      value: profileOf(input),
      format: 'chr',
      secret: true,
    },
  ],
});

interface WifiInput {
  ssid: string;
  password: string;
  security: 'wpa2' | 'wpa3';
  connectAutomatically: boolean;
  hidden: boolean;
}

function profileOf({ ssid, password, security, connectAutomatically, hidden }: WifiInput): string {
  const mode = connectAutomatically ? 'auto' : 'manual';
  return String(
    xml`<WLANProfile xmlns="http://www.microsoft.com/networking/WLAN/profile/v1"><name>${ssid}</name><SSIDConfig><SSID><name>${ssid}</name></SSID><nonBroadcast>${String(hidden)}</nonBroadcast></SSIDConfig><connectionType>ESS</connectionType><connectionMode>${mode}</connectionMode><MSM><security><authEncryption><authentication>${SECURITY[security]}</authentication><encryption>AES</encryption><useOneX>false</useOneX></authEncryption><sharedKey><keyType>passPhrase</keyType><protected>false</protected><keyMaterial>${password}</keyMaterial></sharedKey></security></MSM></WLANProfile>`,
  );
}
