/** Paths that devices call. The first is a constant of Windows (MS-MDE2 3.1); the others are told to the device by us. */
export const DISCOVERY_PATH = '/EnrollmentServer/Discovery.svc';
export const POLICY_PATH = '/EnrollmentServer/Policy.svc';
export const ENROLLMENT_PATH = '/EnrollmentServer/Enrollment.svc';
/** The page that Windows opens in its web view (MS-MDE2 3.2), and where Microsoft Entra sends the person back to. */
export const SIGN_IN_PATH = '/EnrollmentServer/SignIn';
export const ENTRA_CALLBACK_PATH = '/EnrollmentServer/SignIn/Entra';
export const MANAGEMENT_PATH = '/ManagementServer/MDM.svc';
