"""One module per wire format, all behind `base.Provider`."""
