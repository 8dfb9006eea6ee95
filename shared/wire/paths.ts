/** Paths that devices call. The first is a constant of Windows (MS-MDE2 3.1); the others are told to the device by us. */
export const DISCOVERY_PATH = '/EnrollmentServer/Discovery.svc';
/** For the tenant of Microsoft Entra: Discovery that answers Federated, and the terms of use (Learn, Entra integration with MDM). */
export const ENTRA_DISCOVERY_PATH = '/entra/EnrollmentServer/Discovery.svc';
export const TERMS_OF_USE_PATH = '/entra/TermsOfUse';
export const POLICY_PATH = '/EnrollmentServer/Policy.svc';
export const ENROLLMENT_PATH = '/EnrollmentServer/Enrollment.svc';
/** The page that Windows opens in its web view (MS-MDE2 3.2); its way to Microsoft Entra, and the way back from there. */
export const SIGN_IN_PATH = '/EnrollmentServer/SignIn';
export const ENTRA_SIGN_IN_PATH = '/EnrollmentServer/SignIn/Entra';
export const ENTRA_CALLBACK_PATH = '/EnrollmentServer/SignIn/Callback';
/** Where a sign-in ends that is tried in a browser. */
export const SIGN_IN_DONE_PATH = '/EnrollmentServer/SignIn/Done';
export const MANAGEMENT_PATH = '/ManagementServer/MDM.svc';
