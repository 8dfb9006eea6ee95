/** Runs the Azure CLI. @returns what it printed. @throws Error with its own words */
export type Az = (args: string[]) => Promise<string>;

/** @returns the same Azure CLI, asked about this subscription: its own default may be another one than that of azd */
export function inSubscription(az: Az, subscription: string | undefined): Az {
  return subscription ? (args) => az([...args, '--subscription', subscription]) : az;
}

/** @throws Error that says what to do where there is no Azure CLI, or nobody is signed in, or not to this subscription */
export async function requireSignIn(az: Az): Promise<void> {
  try {
    await az(['account', 'show', '--output', 'json']);
  } catch (error) {
    throw new Error(
      `The Azure CLI does not know who you are: ${(error as Error).message}\n` +
        'Install it (https://aka.ms/azure-cli), open a new window, then: az login. With several subscriptions or tenants: ' +
        'az login --tenant TENANT, az account set --subscription SUBSCRIPTION.',
    );
  }
}
