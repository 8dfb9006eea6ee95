/** A right that an application may hold at Microsoft Graph without anybody signed in (application permission). */
export interface GraphRight {
  /** As Graph calls it; its id is looked up in the tenant. */
  value: string;
  access: 'read' | 'write';
  /** What retiring a device needs it for. */
  reason: string;
}

/**
 * What retiring a device in Entra, Intune and Autopilot takes: of each call the least right that its page in the reference of
 * Microsoft Graph names for applications. Where there is a right that leaves out the secret, it is that one: whether there is a
 * recovery key or a password has to be known, and neither is ever read.
 *
 * Not here, though a call of retiring could use them: DeviceManagementApps.Read.All (Intune's own audit; that the record is
 * gone is seen without it), User.ReadWrite.All and Directory.ReadWrite.All (the built-in "everything"), and whatever restores or
 * purges what was deleted: that is for people.
 */
export const GRAPH_RIGHTS: readonly GraphRight[] = [
  {
    value: 'Device.Read.All',
    access: 'read',
    reason: 'find the device in Entra by its id, how it is joined, and whether it is synchronised (GET /devices)',
  },
  {
    value: 'DeviceManagementManagedDevices.Read.All',
    access: 'read',
    reason: 'find its record in Intune (GET /deviceManagement/managedDevices)',
  },
  {
    value: 'DeviceManagementServiceConfig.Read.All',
    access: 'read',
    reason: 'find its registration with Autopilot (GET /deviceManagement/windowsAutopilotDeviceIdentities)',
  },
  {
    value: 'BitlockerKey.ReadBasic.All',
    access: 'read',
    reason:
      'see that a recovery key is kept before the device goes; never the key (GET /informationProtection/bitlocker)',
  },
  {
    value: 'DeviceLocalCredential.ReadBasic.All',
    access: 'read',
    reason: 'see that a local password is kept; never the password (GET /directory/deviceLocalCredentials)',
  },
  {
    value: 'AuditLog.Read.All',
    access: 'read',
    reason: 'prove who deleted what and when (GET /auditLogs/directoryAudits)',
  },
  {
    value: 'Device.ReadWrite.All',
    access: 'write',
    reason: 'disable and delete the device in Entra (PATCH, DELETE /devices)',
  },
  {
    value: 'DeviceManagementManagedDevices.PrivilegedOperations.All',
    access: 'write',
    reason: 'retire or wipe it by Intune (POST /deviceManagement/managedDevices/{id}/retire, /wipe)',
  },
  {
    value: 'DeviceManagementManagedDevices.ReadWrite.All',
    access: 'write',
    reason: 'delete its record in Intune (DELETE /deviceManagement/managedDevices)',
  },
  {
    value: 'DeviceManagementServiceConfig.ReadWrite.All',
    access: 'write',
    reason: 'take it out of Autopilot (DELETE /deviceManagement/windowsAutopilotDeviceIdentities)',
  },
];
