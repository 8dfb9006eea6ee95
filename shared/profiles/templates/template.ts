import type * as z from 'zod';
import type { Format } from '../../commands/command.ts';

/** A form that makes a profile: what is filled in is checked, and gives the settings. */
export interface Template {
  name: string;
  title: string;
  summary: string;
  /** What to know before it is used. */
  notes: string[];
  /** What is filled in. */
  input: z.ZodType<Record<string, unknown>>;
  /** Members of what is filled in that are shown to nobody. */
  secrets: readonly string[];
  /** All settings at once or none. */
  atomic: boolean;
  /** All of them when one differs. */
  together?: true;
  settings(input: never): NewSetting[];
}

/** A setting before it is stored. */
export interface NewSetting {
  target: string;
  value: string;
  format: Format;
  type?: string;
  secret?: true;
}

/** Ties the form to what is made of it; the list of templates forgets the type of the input. */
export function template<S extends z.ZodType<Record<string, unknown>>>(
  made: Omit<Template, 'input' | 'settings'> & { input: S; settings(input: z.output<S>): NewSetting[] },
): Template {
  return made as unknown as Template;
}

export function policy(area: string, name: string, value: number | boolean): NewSetting {
  return int(`./Device/Vendor/MSFT/Policy/Config/${area}/${name}`, value);
}

export function int(target: string, value: number | boolean): NewSetting {
  return { target, value: String(Number(value)), format: 'int' };
}

/** A policy from an ADMX file that is switched on with these data (Microsoft Learn, "Understanding ADMX-backed policies"). */
export function enabled(target: string, data: Record<string, string | number | boolean>): NewSetting {
  const elements = Object.entries(data).map(([id, value]) => `<data id="${id}" value="${value}"/>`);
  return { target, value: `<enabled/>${elements.join('')}`, format: 'chr' };
}
