import { sha256 } from '../../platform/ids.ts';
import { DISCOVERY_PATH } from '../../wire/paths.ts';
import { xml } from '../../wire/xml.ts';

export interface PackageParts {
  invitationId: string;
  user: string;
  secret: string;
  /** Origin of the enroll app. */
  enrollUrl: string;
}

/**
 * The source of a provisioning package that enrolls PCs in bulk: `customizations.xml`, out of which Windows Configuration
 * Designer or its command line makes the package (Microsoft Learn, "Workplace (Windows Configuration Designer
 * reference)": Enrollments, UPN, AuthPolicy, DiscoveryServiceFullUrl, Secret). **The secret of the invitation is in it, as
 * everything in a package can be read by whoever has the file.** The same invitation gives the same file.
 * @throws {XmlError} for a user with a character that XML cannot carry
 */
export function provisioningPackage({ invitationId, user, secret, enrollUrl }: PackageParts): string {
  return `<?xml version="1.0" encoding="utf-8"?>
${xml`<WindowsCustomizations>
  <PackageConfig xmlns="urn:schemas-Microsoft-com:Windows-ICD-Package-Config.v1.0">
    <ID>{${packageId(invitationId)}}</ID>
    <Name>Lanyard-${invitationId}</Name>
    <Version>1.0</Version>
    <OwnerType>ITAdmin</OwnerType>
    <Rank>0</Rank>
  </PackageConfig>
  <Settings xmlns="urn:schemas-microsoft-com:windows-provisioning">
    <Customizations>
      <Common>
        <Workplace>
          <Enrollments>
            <UPN UPN="${user}" Name="${user}">
              <AuthPolicy>OnPremise</AuthPolicy>
              <DiscoveryServiceFullUrl>${enrollUrl}${DISCOVERY_PATH}</DiscoveryServiceFullUrl>
              <Secret>${secret}</Secret>
            </UPN>
          </Enrollments>
        </Workplace>
      </Common>
    </Customizations>
  </Settings>
</WindowsCustomizations>`}
`;
}

/** A package that is built again under its id replaces the older one on a PC, so an invitation has one id for good. */
function packageId(invitationId: string): string {
  const hex = sha256(`provisioning package ${invitationId}`).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
