/** The admin app: what administrators call, and timers. Loading a door registers it. */
import './certificate-authority-service.ts';
import './admin/audit.ts';
import './admin/block.ts';
import './admin/certificate-authority.ts';
import './admin/commands.ts';
import './admin/devices.ts';
import './admin/enrollment-attempts.ts';
import './admin/invitations.ts';
import './admin/invitations-of-user.ts';
import './admin/refusals.ts';
import './admin/settings.ts';
import './admin/unenroll.ts';
import './timers/certificate-authority.ts';
import './timers/expired-commands.ts';
import './timers/expiring-certificates.ts';
import './timers/retention.ts';
import './timers/silent-devices.ts';
