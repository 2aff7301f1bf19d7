"""From notes to a page: quantised, barred, written as MusicXML, engraved."""
