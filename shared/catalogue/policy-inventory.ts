import * as z from 'zod';

/** How often the server reads from each device what it is made of, what state it is in and what is installed on it. */
export const inventorySchema = z
  .strictObject({
    /** Days after which a value is read again. 0: only where an administrator asks for it. */
    days: z.int().min(0).max(90).default(7),
  })
  .prefault({});
