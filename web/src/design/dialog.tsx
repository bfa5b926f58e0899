// A dialog that asks before something is done. Its keys are the only ones that are heard while it is open.

import { Dialog as Base } from "@base-ui/react/dialog";
import type { ReactNode } from "react";
import { useKey } from "../keys/keys";
import { Button } from "./parts";

interface DialogProps {
  open: boolean;
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  foot?: ReactNode;
}

export function Dialog({ open, title, onClose, children, wide, foot }: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="dialog-back" />
        <Base.Popup className={wide ? "dialog wide" : "dialog"}>
          <Base.Title className="dialog-title">{title}</Base.Title>
          {children}
          {foot && <div className="foot">{foot}</div>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

interface ConfirmProps extends Omit<DialogProps, "foot"> {
  confirm: string;
  onConfirm: () => void;
  disabled?: boolean;
}

export function Confirm({ confirm, onConfirm, disabled, ...dialog }: ConfirmProps) {
  return (
    <Dialog
      {...dialog}
      foot={
        <>
          <CloseButton onClose={dialog.onClose} />
          <Button look="main" binding="confirm" onPress={onConfirm} disabled={disabled}>
            {confirm}
          </Button>
        </>
      }
    />
  );
}

function CloseButton({ onClose }: { onClose: () => void }) {
  useKey("cancel", onClose);
  return <Button onPress={onClose}>Not now</Button>;
}
