"""From the bytes of one page or file to its records, column by column. One module for each form."""
