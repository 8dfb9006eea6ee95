/** How long a device's certificate is good, counted from its making. Policy (MS-XCEP) announces the same number. */
export const LEAF_VALIDITY_DAYS = 365;
