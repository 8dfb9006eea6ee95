import * as z from 'zod';
import { showDevice } from '../../shared/devices/device-queries.ts';
import { MAX_TAGS, setTags } from '../../shared/devices/tags.ts';
import { readJson } from '../../shared/platform/body.ts';
import { tagSchema } from '../../shared/profiles/intake.ts';
import { desiredState } from '../../shared/profiles/wanted.ts';
import { adminDoor, deviceIdOf } from './admin-door.ts';

const tagsSchema = z.strictObject({ tags: z.array(tagSchema).max(MAX_TAGS) });

/** `PUT /api/devices/{id}/tags {tags}` gives a device these tags in place of those it has: 200 and the device, 404, 409 */
adminDoor('tags', {
  route: 'api/devices/{id}/tags',
  methods: ['PUT'],
  async handler(call) {
    const { storage, catalogue } = call.services;
    const id = deviceIdOf(call);
    const { tags } = await readJson(call.request, tagsSchema, 64 * 1024);
    const { profiles = [] } = await catalogue.read();
    const device = await setTags(storage, id, tags, {
      check: (changed) => desiredState(changed, profiles).leftOut[0]?.reason,
      log: call.log,
    });
    const outcome = device.tags?.join(', ') || 'none';
    return { status: 200, value: await showDevice(storage, id), audit: { act: 'tag device', subject: id, outcome } };
  },
});
