import { describe, expect, test } from 'vitest';
import { deploymentOutputs } from '../../local/azure/deployment-outputs.ts';

describe('the outputs of a deployment', () => {
  test('are found by its name, and have the names of the template whatever Azure makes of them', async () => {
    const asked: string[][] = [];
    const outputs = {
      lanyarD_URL: { type: 'String', value: 'https://admin.example.org' },
      AZURE_LOCATION: { value: 'x' },
    };
    const az = async (args: string[]) => {
      asked.push(args);
      return `${JSON.stringify(outputs)}\n`;
    };
    const found = await deploymentOutputs(az, 'Microsoft.Template-20261121');
    expect(found).toEqual({ LANYARD_URL: 'https://admin.example.org', AZURE_LOCATION: 'x' });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toEqual(expect.arrayContaining(['--name', 'Microsoft.Template-20261121']));
  });

  test.each(['', 'null', '{}'])('are missed where a deployment failed (%j)', async (said) => {
    await expect(deploymentOutputs(async () => said, 'x')).rejects.toThrow('The deployment x has no outputs');
  });

  test('are not made up where the Azure CLI fails', async () => {
    const az = () => Promise.reject(new Error('DeploymentNotFound'));
    await expect(deploymentOutputs(az, 'x')).rejects.toThrow('DeploymentNotFound');
  });
});
