/**
 * Whole numbers that policies take, lowest and highest (Microsoft Learn, Policy CSP, areas DeviceLock, Update and Defender). Of a
 * policy that is not here any value is taken.
 */
const RANGES: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>> = {
  DeviceLock: {
    DevicePasswordEnabled: [0, 1],
    AlphanumericDevicePasswordRequired: [0, 2],
    MinDevicePasswordLength: [4, 16],
    MinDevicePasswordComplexCharacters: [1, 3],
    MaxInactivityTimeDeviceLock: [0, 999],
    DevicePasswordExpiration: [0, 730],
    DevicePasswordHistory: [0, 50],
    AllowSimpleDevicePassword: [0, 1],
  },
  Update: {
    DeferQualityUpdatesPeriodInDays: [0, 30],
    DeferFeatureUpdatesPeriodInDays: [0, 365],
    ConfigureDeadlineForQualityUpdates: [0, 30],
    ConfigureDeadlineForFeatureUpdates: [0, 30],
    ConfigureDeadlineGracePeriod: [0, 7],
    ActiveHoursStart: [0, 23],
    ActiveHoursEnd: [0, 23],
    AllowMUUpdateService: [0, 1],
    ExcludeWUDriversInQualityUpdate: [0, 1],
  },
  Defender: {
    AllowRealtimeMonitoring: [0, 1],
    AllowCloudProtection: [0, 1],
    SubmitSamplesConsent: [0, 3],
    PUAProtection: [0, 2],
    EnableNetworkProtection: [0, 2],
    AllowIOAVProtection: [0, 1],
    CheckForSignaturesBeforeRunningScan: [0, 1],
  },
};

/**
 * @returns the status of setting a policy: 404 for a name that an area listed here does not have, 500 for a value that it does
 *   not take. Learn does not say by which code a value is refused.
 */
export function policyStatus(path: string, data: string): number {
  const [name = '', area = ''] = path.split('/').reverse();
  const policies = RANGES[area];
  if (!policies) return 200;
  const range = policies[name];
  if (!range) return 404;
  const value = Number(data);
  return /^-?\d+$/.test(data) && value >= range[0] && value <= range[1] ? 200 : 500;
}
