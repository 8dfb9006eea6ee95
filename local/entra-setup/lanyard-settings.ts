import type { AdminClient } from '../admin-client.ts';
import type { Step } from './plan.ts';

/** The parts of the organisation's settings that are read and written here; all others go back as they came. */
export interface Settings {
  ways: string[];
  signIn: { entra: { tenantId: string; clientId: string } };
  entra: { tenantId: string; audiences: string[] };
}

/**
 * The organisation's settings, by the admin API. `PUT` replaces them as a whole, so they are read again right before they are
 * written; what somebody else writes in that second is lost, as it is for everybody who uses that call.
 */
export class LanyardSettings {
  readonly #admin: Pick<AdminClient, 'call'>;

  constructor(admin: Pick<AdminClient, 'call'>) {
    this.#admin = admin;
  }

  /** @throws {AdminApiError} */
  read(): Promise<Settings> {
    return this.#admin.call<Settings>('GET', '/api/settings');
  }

  /** @param change what becomes of the settings; all that it does not mention stays. @throws {AdminApiError} */
  async change(change: (settings: Settings) => Partial<Settings>): Promise<void> {
    const settings = await this.read();
    await this.#admin.call('PUT', '/api/settings', { ...settings, ...change(settings) });
  }
}

/** A step that writes settings. */
export function settingsStep(
  settings: LanyardSettings,
  text: string,
  change: (settings: Settings) => Partial<Settings>,
): Step {
  return { text: `${text} (holds within a minute)`, run: () => settings.change(change) };
}

/** @returns what to put into the settings by hand, as lines of a list of what is left */
export function settingsByHand(fragment: Partial<Settings>): string[] {
  return [
    'Put this into the settings of Lanyard and keep what else is there (GET, then PUT /api/settings; docs/api.md):',
    ...JSON.stringify(fragment, null, 2)
      .split('\n')
      .map((line) => `  ${line}`),
    '  With LANYARD_URL and LANYARD_KEY in the environment this command does it for you.',
  ];
}
