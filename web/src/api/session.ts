// Who is signed in, and what they may do: what a role may not do is not offered (and refused by the server anyway).
import { createContext, useContext } from 'react';

export type Permission = 'read' | 'write' | 'approve' | 'admin';

export interface Session {
  subject: string;
  roles: string[];
  workspace: string;
  via: string;
  permissions: Permission[];
  session: { id: string; created_at: string; expires_at: string } | null;
  local?: boolean;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('a page is shown before anybody is known');
  return session;
}

export const useMay = (permission: Permission) => useSession().permissions.includes(permission);
