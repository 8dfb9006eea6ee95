import { describe, expect, test } from 'vitest';
import { CspTree, canonicalPath, emptyTree, type Verb } from '../../../local/device/csp-tree.ts';
import { deviceNodes } from '../../../local/device/device-nodes.ts';
import { newMachine } from '../../../local/device/machine.ts';

const camera = './Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera';
const newTree = (machine = {}) => new CspTree(deviceNodes(newMachine('PC-1', machine), undefined), emptyTree());

describe('a node answers as on Windows', () => {
  test.each<[Verb, string, string, string | undefined, number]>([
    ['Get', './DevDetail/SwV', '', undefined, 200],
    ['Get', './DevDetail/swv', '', undefined, 404],
    ['Get', './Vendor/MSFT/Nothing', '', undefined, 404],
    ['Replace', './DevDetail/SwV', '11', undefined, 405],
    ['Add', './DevDetail/SwV', '11', undefined, 418],
    ['Delete', './DevDetail/SwV', '', undefined, 405],
    ['Exec', './DevDetail/SwV', '', undefined, 405],
    ['Exec', './Device/Vendor/MSFT/Reboot/RebootNow', '', undefined, 200],
    ['Exec', './Device/Vendor/MSFT/Reboot/RebootLater', '', undefined, 404],
    ['Exec', './Device/Vendor/MSFT/BitLocker/RotateRecoveryPasswords', 'id', undefined, 202],
    ['Get', './Device/Vendor/MSFT/LAPS/Actions/ResetPassword', '', undefined, 405],
    ['Get', './Device/Vendor/MSFT/DeclaredConfiguration', '', undefined, 406],
    ['Replace', camera, '0', 'int', 200],
    ['Replace', camera, 'none', 'int', 415],
    ['Replace', camera, 'true', 'boolean', 415],
    ['Add', camera, '0', 'int', 200],
    ['Delete', camera, '', undefined, 404],
    ['Replace', './Device/Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment', '0', undefined, 415],
    ['Replace', './Device/Vendor/MSFT/RootCATrustedCertificates/Root/AB/EncodedCertificate', 'AAAA', 'b64', 404],
    ['Add', './Device/Vendor/MSFT/RootCATrustedCertificates/Root/AB/EncodedCertificate', 'AAAA', 'b64', 200],
    ['Exec', './Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7BX%7D/DownloadInstall', '<x/>', 'xml', 404],
  ])('%s %s "%s" %s: %i', (verb, path, data, format, status) => {
    expect(newTree().run(verb, path, data, format).status).toBe(status);
  });

  test('Add, Add again, Replace, Get, Delete and Get of a policy', () => {
    const tree = newTree();
    const run = (verb: Verb, data?: string) => tree.run(verb, camera, data, data && 'int');
    expect(run('Add', '0').status).toBe(200);
    expect(run('Add', '1').status).toBe(418);
    expect(run('Replace', '1').status).toBe(200);
    expect(run('Get')).toMatchObject({ status: 200, value: '1', format: 'int' });
    expect(tree.run('Delete', './Device/Vendor/MSFT/Policy/Config/Camera').status).toBe(200);
    expect(run('Get').status).toBe(404);
  });

  test('an account can be added and neither changed nor read', () => {
    const tree = newTree();
    const path = './Device/Vendor/MSFT/Accounts/Users/rescue/Password';
    expect(tree.run('Add', path, 'simple').status).toBe(500);
    expect(tree.run('Add', path, 'My-rescue-1').status).toBe(500);
    expect(tree.run('Add', path, 'Long-Enough-1').status).toBe(200);
    expect(tree.run('Add', path, 'Long-Enough-2').status).toBe(418);
    expect(tree.run('Replace', path, 'other').status).toBe(405);
    expect(tree.run('Get', path).status).toBe(405);
  });

  test('an interior node gives the names of its children, escaped', () => {
    const tree = newTree();
    tree.run('Add', './Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7BA%7D/DownloadInstall', '');
    expect(tree.run('Get', './Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI')).toMatchObject({
      status: 200,
      format: 'node',
      value: '%7BA%7D',
    });
    expect(tree.run('Get', './DevInfo').value).toBe('DevId/Man/Mod/DmV/Lang');
    expect(
      tree.run('Exec', './Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/{A}/DownloadInstall', '', 'xml').status,
    ).toBe(200);
  });

  test('with and without Device is the same, and User is another', () => {
    expect(canonicalPath('./Device/Vendor/MSFT/A')).toBe(canonicalPath('./Vendor/MSFT/A'));
    const tree = newTree();
    tree.run('Replace', camera, '0', 'int');
    expect(tree.run('Get', camera.replace('./Device', '.')).value).toBe('0');
    expect(tree.run('Get', camera.replace('./Device', './User')).status).toBe(404);
  });

  test('each Exec is counted', () => {
    const tree = newTree();
    for (let n = 0; n < 3; n++) tree.run('Exec', './Device/Vendor/MSFT/Reboot/RebootNow');
    expect(tree.state.execs).toEqual({ './Vendor/MSFT/Reboot/RebootNow': 3 });
  });

  test('a node can be made to answer what a test needs', () => {
    const tree = new CspTree(
      [{ path: './Vendor/MSFT/Odd', access: ['Get'], value: 'x', answers: { Replace: 425, Get: 500 } }],
      emptyTree(),
    );
    expect(tree.run('Replace', './Device/Vendor/MSFT/Odd', 'y').status).toBe(425);
    expect(tree.run('Get', './Device/Vendor/MSFT/Odd').status).toBe(500);
  });
});

describe('how a PC is joined', () => {
  const enrollment = { providerId: 'Test', managementUrl: 'https://mdm.example', nodes: [] } as never;
  test.each([
    ['none', 404, ''],
    ['joined', 200, ''],
    ['domain', 404, 'corp.example'],
    ['hybrid', 200, 'corp.example'],
  ] as const)('%s shows in AADDeviceID and DomainName', (join, status, domain) => {
    const tree = new CspTree(deviceNodes(newMachine('PC-1', { join }), enrollment), emptyTree());
    expect(tree.run('Get', './Device/Vendor/MSFT/DMClient/Provider/Test/AADDeviceID').status).toBe(status);
    expect(tree.run('Get', './Device/Vendor/MSFT/DeviceStatus/DomainName').value).toBe(domain);
  });
});
