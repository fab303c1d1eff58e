<?xml version="1.0" encoding="UTF-8"?>
<!-- What customers send: <order><customer/><item/>…<total/></order>. What the shop takes: <booking customer=""/>. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" encoding="UTF-8" omit-xml-declaration="yes"/>

  <xsl:template match="/order">
    <xsl:if test="not(normalize-space(customer))">
      <xsl:message terminate="yes">the order names no &lt;customer&gt;</xsl:message>
    </xsl:if>
    <xsl:if test="not(item)">
      <xsl:message terminate="yes">the order has no &lt;item&gt;</xsl:message>
    </xsl:if>
    <booking customer="{normalize-space(customer)}">
      <xsl:for-each select="item">
        <line><xsl:value-of select="normalize-space(.)"/></line>
      </xsl:for-each>
      <xsl:copy-of select="total"/>
    </booking>
  </xsl:template>

  <xsl:template match="/*" priority="-1">
    <xsl:message terminate="yes">this is no &lt;order&gt; but a &lt;<xsl:value-of select="name()"/>&gt;</xsl:message>
  </xsl:template>
</xsl:stylesheet>
