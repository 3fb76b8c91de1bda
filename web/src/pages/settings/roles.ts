// What each role may do: read, write, approve and admin are the server's permissions.
import type { Permission } from '@/api/session';

export interface Role {
  name: string;
  short: string;
  may: Permission[];
}

export const ROLES: Role[] = [
  { name: 'reader', short: 'sees everything', may: ['read'] },
  {
    name: 'writer',
    short: 'also sends data and labels, runs stages, answers alerts and reviews',
    may: ['read', 'write'],
  },
  { name: 'approver', short: 'sees everything, approves versions and moves traffic', may: ['read', 'approve'] },
  { name: 'admin', short: 'may do all, also tokens and sessions', may: ['read', 'write', 'approve', 'admin'] },
];

export const PERMISSIONS: { name: Permission; about: string }[] = [
  { name: 'read', about: 'all pages, lists, files, reports and the audit chain' },
  { name: 'write', about: 'datasets, runs, stages, labels; alerts and reviews; alias requests' },
  { name: 'approve', about: 'approvals, releases, promotion, rollback, rollouts' },
  { name: 'admin', about: 'tokens, sessions of others, clean-up, unmasked values' },
];
