import * as z from 'zod';

/** Who takes a risk that the server would not let him take unasked, and why; both are kept. */
export const acceptRiskSchema = z.strictObject({
  person: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(1_000),
});

export type AcceptRisk = z.output<typeof acceptRiskSchema>;
