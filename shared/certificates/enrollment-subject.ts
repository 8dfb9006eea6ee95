// The enrollment id is the whole subject of a device's certificate, so the certificate that a device presents names its
// storage partition before anything is read. One spelling only (lower case): partition keys tell upper from lower case.
const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const ENROLLMENT_ID = new RegExp(`^${GUID}$`);
const SUBJECT = new RegExp(`^CN=(${GUID})$`);

/** Whether `text` is an enrollment id: a GUID in lower case with dashes and without braces. */
export function isEnrollmentId(text: string): boolean {
  return ENROLLMENT_ID.test(text);
}

/** The enrollment id out of a subject as node:crypto prints it, or undefined where the subject is anything but `CN=<enrollment id>`. */
export function enrollmentIdOfSubject(subject: string): string | undefined {
  return SUBJECT.exec(subject)?.[1];
}
