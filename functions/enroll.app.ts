/** The enroll app: what devices call to enroll. Loading a door registers it. */
import './certificate-authority-service.ts';
import './enrollment/discovery.ts';
import './enrollment/enrollment.ts';
import './enrollment/enrollment-policy.ts';
import './enrollment/entra-discovery.ts';
import './enrollment/help.ts';
import './enrollment/join.ts';
import './enrollment/sign-in.ts';
import './enrollment/sign-in-entra.ts';
import './enrollment/terms-of-use.ts';
