// Names that more than one template must agree on.

@export()
@description('Tables of the data account. The same as TABLE_NAMES in shared/storage/storage.ts.')
var tables = [
  'devices'
  'devicelist'
  'invitations'
  'journal'
  'reports'
  'catalogue'
  'audit'
  'decommissions'
]

@export()
@description('Blob containers of the data account.')
var containers = [
  'results'
  'keys'
  'traces'
]

@export()
@description('Blob container of each host account that holds the package of the app.')
var packageContainer = 'package'
