/** Files of the local folder by which the command line finds a Lanyard that runs from it. */

/** Base address of the enroll and admin apps, one line. */
export const ADDRESS_FILE = 'address';
/** The host key, one line, mode 600. */
export const ADMIN_KEY_FILE = 'admin-key';
