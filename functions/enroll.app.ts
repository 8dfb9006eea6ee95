/** The enroll app: what devices call to enroll. Loading a door registers it. */
import './enrollment/discovery.ts';
import './enrollment/enrollment.ts';
import './enrollment/enrollment-policy.ts';
