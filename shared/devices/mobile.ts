import type { Device } from './device.ts';

/** PRODUCT_MOBILE_CORE and PRODUCT_MOBILE_ENTERPRISE of GetProductInfo. */
const MOBILE_EDITIONS = new Set(['104', '133']);

/** @returns whether a device says of itself, when it enrolls or later, that it is a mobile one */
export function isMobile({ context, facts }: Pick<Device, 'context' | 'facts'>): boolean {
  const editions = [context['OSEdition'], facts['osEdition']?.value].map((edition) => edition?.trim() ?? '');
  return /phone|mobile/i.test(context['DeviceType'] ?? '') || editions.some((edition) => MOBILE_EDITIONS.has(edition));
}
