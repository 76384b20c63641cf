import { SegmentedControl, Select } from '@mantine/core';

interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
}

interface WhichProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly choices: readonly Choice<T>[];
}

/** One of a few, all of them in sight. */
export function Which<T extends string>({ label, value, onChange, choices }: WhichProps<T>) {
  return (
    <SegmentedControl
      size="xs"
      aria-label={label}
      transitionDuration={0}
      value={value}
      onChange={(chosen) => onChange(chosen as T)}
      data={[...choices]}
    />
  );
}

interface FilterProps {
  readonly label: string;
  /** Shown while nothing is chosen, and what clearing it means. */
  readonly all: string;
  readonly width: number;
  readonly value: string | null;
  readonly onChange: (value: string | null) => void;
  readonly choices: readonly (string | Choice<string>)[];
  /** False for somebody who has only one. */
  readonly isClearable?: boolean;
}

/** One of many, or all. */
export function Filter({ label, all, width, value, onChange, choices, isClearable = true }: FilterProps) {
  return (
    <Select
      size="xs"
      w={width}
      aria-label={label}
      placeholder={all}
      clearable={isClearable}
      allowDeselect={isClearable}
      clearButtonProps={{ 'aria-label': all }}
      data={[...choices]}
      value={value}
      onChange={onChange}
    />
  );
}
